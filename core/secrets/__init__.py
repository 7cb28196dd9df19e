"""Nothing secret in texts: redaction, sealed secrets, loggers that write neither."""
