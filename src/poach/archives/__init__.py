"""Archives that strangers made: sdists and zip files, read within limits.

The public doors are `poach.archives.sdist` and `poach.archives.zips`.
"""
