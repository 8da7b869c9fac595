"""Sans-I/O codecs, lenient on purpose: they build and read what is illegal."""
