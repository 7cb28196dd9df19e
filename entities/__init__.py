"""What the synchronisation knows of each entity; they are listed in ``registry``."""
