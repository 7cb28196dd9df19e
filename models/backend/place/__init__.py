"""A backend's share of the job runner's places."""

from . import job_place
