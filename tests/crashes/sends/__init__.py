"""Killed at each step of a send: does anybody hear anything twice?"""
