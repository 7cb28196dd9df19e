from .pharmacy import PharmacyClient
