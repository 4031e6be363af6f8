"""The shop's data as files: CSV, JSON lines or XLSX, streamed, and told in the trail.

In the admin: `reverse("export", args=["inventory"]) + "?format=csv&from=2024-01-01&category=Widgets"` is a form page
filled in with that much, whose button downloads the file; `reverse("exports")` lists what there is. From the command
line: `manage.py export inventory --output stock.csv`. What a dataset is called, has for columns and takes for filters
stands in `datasets`; who may not see it gets a 404 (pages) or is refused (command).
"""
