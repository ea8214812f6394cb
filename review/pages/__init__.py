"""The pages, one module a subject: handlers only; what they show is made by the pure modules and the store."""
