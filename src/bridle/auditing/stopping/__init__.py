"""Early stopping of frameworks, whose loops are not the script's; a framework is never imported here."""
