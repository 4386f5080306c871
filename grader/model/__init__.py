"""The nouns: records that pass between the stages. Nothing here runs anything."""
