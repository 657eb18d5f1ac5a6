"""The database's schema, step by step: append-only, importing none of our packages, which change."""
