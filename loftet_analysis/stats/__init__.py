"""The engine: arrays in, an estimate with its uncertainty out; knows no school and no study."""
