"""Evidence to text and to one self-contained HTML page. Nothing here imports torch."""

from bridle.report.html import write_html
from bridle.report.text import print_summary, summary
from bridle.report.verdict import verdict

__all__ = ["print_summary", "summary", "verdict", "write_html"]
