"""Predictions over HTTP: a small server for one file, on Starlette and uvicorn (`pip install 'chainrule[serve]'`).

served         what a file offers to a server: columns, targets, predictions
bodies         the body of a request -> a table of the model's columns
batches        the requests that wait -> one call for predictions -> the bytes of each answer
app, doors     routes and statuses; which hosts, how many requests at a time
descriptions   GET /, GET /openapi.json
server         the socket, slow clients, the end
"""
