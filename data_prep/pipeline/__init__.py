"""The build's stages on datatrove's executors: a stage is a list of tasks, a task ends with files put in place."""
