"""What people do on their phones, by kind: the parts that `Person` is made of."""
