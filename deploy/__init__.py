"""What puts the project on machines: images, services, the front, Jenkins."""
