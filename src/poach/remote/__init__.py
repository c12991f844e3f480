"""The store on a server: bundles, signatures, uploads and downloads.

The public door is `poach.remote.client`.
"""
