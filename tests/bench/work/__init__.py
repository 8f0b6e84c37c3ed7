"""The measured programs, one file each. They print JSON where the comparison needs to know what came out."""
