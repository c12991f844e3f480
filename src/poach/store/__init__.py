"""The store of patched eggs; the public door is `poach.store.store`."""
