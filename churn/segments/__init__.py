"""Groups of alike customers: how they are found, described and recognised."""
