from . import sync_report
