"""The auditor's and the owner's pages of the admin: compliance, the trail, a record's proof."""
