"""RDF with many patients as the six tables: cut into blocks of whole patients, which processes read side by side.

What is plain, all that a patient graph may say and nothing said twice, is turned into columns without looking at one triple
after another. A patient with anything else is read and held to the shapes as a single patient is.
"""
