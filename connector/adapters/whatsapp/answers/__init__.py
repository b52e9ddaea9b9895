"""What WhatsApp answers when it is asked about groups, pictures, numbers and presence."""
