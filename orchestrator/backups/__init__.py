"""The whole shop as one file, and back: `backup_take` and `backup_restore`."""
