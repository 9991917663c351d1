"""What stands behind each word of the command line, one file each: run(options) returns the exit status."""
