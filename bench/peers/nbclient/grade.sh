# nbclient, "Executing notebooks": the command line, `jupyter execute notebook.ipynb`. It takes several notebooks, and
# starts a new kernel for each. --inplace saves what they printed.
exec jupyter execute --inplace notebooks/*.ipynb
