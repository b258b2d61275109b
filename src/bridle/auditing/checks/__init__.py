"""The checks of the audit: one file, one final class, one kind of finding."""
