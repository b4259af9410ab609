"""Projects that move to another release of the template, to other answers, or to another database."""
