"""What WhatsApp delivers, as the domain's words: raw protobuf in, messages and news out. Pure."""
