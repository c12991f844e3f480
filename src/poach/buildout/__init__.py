"""The edge towards zc.buildout: its options, its installer, its recipes."""
