"""Other people's servers, and servers of bad intent, for the suite to run against."""
