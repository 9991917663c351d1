"""The reading room: pages as HTML, each row with its sentence, its code and its verdict (`refvi html`)."""
