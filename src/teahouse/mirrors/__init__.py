"""What public accounts bring along from elsewhere: mirrored feeds, imported archives."""
