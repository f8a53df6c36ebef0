"""Pictures of the dashboard, drawn anew by `python -m tests.browser.pictures`."""
