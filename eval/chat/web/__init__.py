"""The chat as a page of the browser, served by gradio on this machine."""
