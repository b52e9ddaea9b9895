"""Zapbase's connector: the one always-on process between WhatsApp and Supabase."""

__version__ = "0.1.0"
