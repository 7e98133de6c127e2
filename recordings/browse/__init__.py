"""The terminal browser: sessions, flows and frames of a recording, read page by page.

Only `app` and what it imports need the extra `tui`; the files without a widget in them (`pages`,
`librarian`, `align`, `completion`, `copying`) do not.
"""
