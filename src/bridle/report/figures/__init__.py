"""The figures of the page: one file each, from evidence to a plain plotly figure."""
