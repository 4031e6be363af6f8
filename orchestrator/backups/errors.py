class BackupError(Exception):
    """Why no backup was taken, or none restored; what was there before is as it was."""
