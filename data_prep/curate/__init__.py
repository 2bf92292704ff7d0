"""Steps that make a dataset out of another by a language model: rewrite, converse, split, translate, benchmark."""
