"""Two sessions side by side: what the other one said differently, and where that began.

said      recorded frames as what was said, one message each, with a mark of its stable fields
legs      which flow of the one session is which of the other
align     two sequences side by side, in about linear time when they are nearly the same
compare   the comparison: masks, learned values, pairs, differences
report    what came of it; JSON
terminal, page, junit: the report for a person, a browser, a CI server
"""
