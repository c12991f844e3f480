"""poach: patched eggs for zc.buildout."""
