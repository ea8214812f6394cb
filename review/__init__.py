"""The QA workbench: a web application in which people see, judge and steer."""
