"""Reports on compliance: read once, told as JSON, a page, a PDF or a table."""
