"""Recipe `finetune`: an image tower and its classifier learn together, after a linear probe."""
