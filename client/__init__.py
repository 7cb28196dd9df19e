from .pharmacy import FAILURES, PharmacyClient
