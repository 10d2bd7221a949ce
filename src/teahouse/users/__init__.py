"""Accounts, devices, tokens, profiles, account data: who somebody is and what they keep with us."""
