"""Tests of bimedix2_plugin."""
