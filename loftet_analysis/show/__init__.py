"""From gated frames to tables, figures, sentences and pages; and the open study around them."""
