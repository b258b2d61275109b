"""The sections of the page: one file each, from evidence to what the template of the same name shows.

Every ``content`` returns a mapping, or ``None`` where there is nothing to show and the section is left out.
"""
