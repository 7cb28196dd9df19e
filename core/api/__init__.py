"""The public API as declared: methods, limits, OpenAPI document, advice to callers."""
