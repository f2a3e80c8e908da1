"""A simulation of the core: many seeds, each a course of events that can be had again."""
